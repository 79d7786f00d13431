"""The one-time rules: what may become of a secret, a request, an access key. No HTTP, no SQL, no format."""
