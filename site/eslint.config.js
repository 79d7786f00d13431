import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import typescript from "typescript-eslint";

// Strict, and with types; layout is prettier's. Each rule that is off, or milder, found nothing real here.
export default defineConfig(
  {
    files: ["site/js/**/*.js", "tests/js/**/*.mjs"],
    extends: [js.configs.recommended, typescript.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      // tsc knows every name.
      "no-undef": "off",
      // Patterns have to name the characters that links and names may not contain.
      "no-control-regex": "off",
      "no-misleading-character-class": "off",
      // Browsers of yesterday lack what the types promise, and odd ones give something else.
      "@typescript-eslint/no-unnecessary-condition": "off",
      "@typescript-eslint/no-unnecessary-type-conversion": "off",
      // JSON, messages of workers and trusted types are `any` in TypeScript's own library; who reads them says their type.
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      // A function may be async for the sake of its callers, to throw by its promise.
      "@typescript-eslint/require-await": "off",
      // What listens to events shows its own failures.
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: false }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: ["test", "suite"] }] },
      ],
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    },
  },
  {
    files: ["tests/js/**/*.mjs"],
    // Whoever stands in for `fetch` gets strings, where its type allows more.
    rules: { "@typescript-eslint/no-base-to-string": "off" },
  },
);
