"""What no option alone can tell."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from taina.config.values import ConfigError

if TYPE_CHECKING:
    from taina.config import Config


def check(config: "Config", sources: Mapping[str, str]) -> None:
    """
    Args:
        sources: where the value of each option came from, by its name.

    Raises:
        ConfigError: two options do not go together.
    """
    if config.max_size > config.max_storage and sources["max_size"] != "default":
        raise ConfigError("max_size is larger than max_storage, so no secret could ever be that large. Lower it.")
    _check_lifetimes(config, sources)
    if config.create == "proxy":
        _check_login(config)
    if config.mail_host and not (config.mail_from and config.url):
        missing = "mail.from" if not config.mail_from else "url"
        raise ConfigError(f"{missing} is missing: mail.host is set, and mail needs a sender and the instance's url.")


def _check_lifetimes(config: "Config", sources: Mapping[str, str]) -> None:
    if config.ttl_min > config.ttl_max:
        raise ConfigError("ttl_min is longer than ttl_max, so no lifetime would do. Lower it, or raise ttl_max.")
    if not config.ttl_min <= config.ttl_default <= config.ttl_max:
        told = " (7d, as it is not set)" if sources["ttl_default"] == "default" else ""
        raise ConfigError(f"ttl_default{told} has to lie between ttl_min and ttl_max. Set it to a lifetime in between.")


def _check_login(config: "Config") -> None:
    what = 'create is "proxy", '
    if not config.trusted_proxy:
        raise ConfigError(f"trusted_proxies is missing: {what}and nobody else is believed who has logged in.")
    if any(network.prefixlen == 0 for network in config.trusted_proxy):
        raise ConfigError(
            f"trusted_proxies has every address in it: {what}so anybody could claim any login. Name the proxy alone."
        )
    if config.login_url is None:
        raise ConfigError(f"login_url is missing: {what}and pages have to say where people log in.")
    if config.origins:
        raise ConfigError(f"origins cannot be set: {what}and a login counts only for pages of the same host.")
