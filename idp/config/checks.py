"""What values of settings are checked for: host names, ports, addresses, colours."""

from __future__ import annotations

import ipaddress
import re


def is_port(netloc: str) -> bool:
    """Whether the port, where there is one, is a port."""
    port = netloc.rpartition("]")[2].partition(":")[2]
    return not port or (re.fullmatch(r"[0-9]{1,5}", port) is not None and 0 < int(port) < 65536)


def is_loopback_host(host: str) -> bool:
    """Whether a host name or address literal stays on this machine (RFC 8252 §8.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_plain_address(text: str) -> bool:
    """Whether a text is one e-mail address and nothing that could become a second one, or a header (RG-10)."""
    return (
        re.fullmatch(r"[^\s@<>,;:\"()\[\]\\\x00-\x20\x7f]{1,64}@[^\s@<>,;:\"()\[\]\\\x00-\x20\x7f]{1,255}", text)
        is not None
    )


def contrast_with_white(colour: str) -> float:
    """The contrast ratio of `#rrggbb` against white (WCAG 2.2, relative luminance)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)
