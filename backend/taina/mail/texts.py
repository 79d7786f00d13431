"""The four messages that the mailer knows, in each language. Plain text; placeholders in braces, and nothing else."""

TEXTS: dict[str, dict[str, tuple[str, str]]] = {
    "en": {
        "secret": (
            "Someone has sent you a secret",
            "Someone has sent you a secret through {instance}.\n\n{link}\n\n"
            "It can be opened only once. You also need a passphrase, which the sender gives you some other way: by\n"
            "phone, in person, or in another messenger. If you did not expect anything like this, delete this\n"
            "message.\n",
        ),
        "issued": (
            "Your access key was issued",
            "An access key was issued to you. With it you can create links at {instance}\n\n"
            "Its name is “{name}”, and it is valid {until}. Whoever runs the service gives you the key through\n"
            "another channel; no message contains it.\n",
        ),
        "expiring": (
            "Your access key is about to expire",
            "Your access key “{name}” for {instance} is about to expire: it is valid {until}.\n\n"
            "If you still need one, ask whoever runs the service.\n",
        ),
        "revoked": (
            "Your access key was revoked",
            "Your access key “{name}” for {instance} was revoked, so it can no longer be used.\n\n"
            "Secrets that you created with it can still be opened; requests take no more answers. If this surprises\n"
            "you, ask whoever runs the service.\n",
        ),
        "until": ("until {date} (UTC)", "until it is revoked"),
    },
    "bg": {
        "secret": (
            "Някой ви изпраща тайна",
            "Някой ви изпраща тайна чрез {instance}.\n\n{link}\n\n"
            "Отваря се само веднъж. Нужна е и фраза за достъп, която подателят ще ви каже по друг път: по\n"
            "телефона, лично или в друга програма. Ако не очаквате нищо такова, изтрийте съобщението.\n",
        ),
        "issued": (
            "Издаден ви е ключ за достъп",
            "Издаден ви е ключ за достъп: с него можете да създавате връзки на {instance}\n\n"
            "Нарича се „{name}“ и важи {until}. Ще го получите по друг път от този, който поддържа услугата;\n"
            "в съобщенията го няма.\n",
        ),
        "expiring": (
            "Ключът ви за достъп скоро изтича",
            "Ключът ви за достъп „{name}“ за {instance} изтича: важи {until}.\n\n"
            "Ако още ви трябва, обърнете се към този, който поддържа услугата.\n",
        ),
        "revoked": (
            "Ключът ви за достъп е отнет",
            "Ключът ви за достъп „{name}“ за {instance} е отнет: с него вече нищо не може да се създаде.\n\n"
            "Създадените с него тайни все още могат да се отворят, а молбите не приемат повече отговори. Ако това ви\n"
            "изненадва, попитайте този, който поддържа услугата.\n",
        ),
        "until": ("до {date} (UTC)", "докато не бъде отнет"),
    },
}
"""By language and message: subject and body; `until` has its form with a date and that without one."""
