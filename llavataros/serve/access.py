"""Who may ask: which token, from pages of which origin, and under which name of this machine."""

import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from llavataros.serve.codes import Code, Refusal

_LOOPBACK_NAMES = ("localhost",)


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Attributes:
        token: What clients must know; None lets everybody in who gets here.
        origins: Origins of pages that may ask, beside the server's own.
        is_loopback: Whether the server listens on this machine alone. Then requests must be
            addressed to it by name, so that no page of another name that resolves to it gets in.
    """

    token: str | None = None
    origins: tuple[str, ...] = ()
    is_loopback: bool = True

    def check_place(self, headers: Headers) -> None:
        """Checks what a request is addressed to and which page asks.

        Raises:
            Refusal: When either is wrong.
        """
        host = headers.get("host", "")
        if self.is_loopback and not _is_loopback_name(host):
            raise Refusal(
                Code.HOST,
                "this server answers on this machine alone, but the request is addressed to "
                "another name; use 127.0.0.1 or localhost, or serve with --host",
            )
        origin = headers.get("origin")
        if origin is None or origin in self.origins:
            return
        if urlsplit(origin).netloc.lower() != host.lower() or not host:
            raise Refusal(
                Code.ORIGIN,
                "pages of another origin may not ask; name it with --origin when serving",
            )

    def check_token(self, headers: Headers, given: str | None = None) -> None:
        """Checks the token of the header `Authorization: Bearer`, or one `given` elsewhere.

        Raises:
            Refusal: When it is missing or wrong.
        """
        if self.token is None:
            return
        kind, _, of_header = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            given = of_header.strip()
        if not given:
            raise Refusal(
                Code.TOKEN,
                "this server wants its token, as `Authorization: Bearer …` or in start.token",
            )
        if not secrets.compare_digest(given.encode(), self.token.encode()):
            raise Refusal(Code.TOKEN, "the token is not that of this server")


def is_loopback(addresses: Sequence[str]) -> bool:
    """Says whether all addresses are of this machine alone."""
    return all(ipaddress.ip_address(address.split("%")[0]).is_loopback for address in addresses)


def _is_loopback_name(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name in _LOOPBACK_NAMES or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
