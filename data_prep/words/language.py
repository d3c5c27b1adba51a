"""Codes of languages."""


def language_code(language: str) -> str:
    """Returns `en` of `en`, `EN-us` and `en_GB`."""
    return language.lower().replace("_", "-").split("-")[0]
