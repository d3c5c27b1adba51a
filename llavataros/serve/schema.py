"""The schema of all messages: JSON Schema by itself, and as components of OpenAPI."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from llavataros.serve.codes import MEANINGS
from llavataros.serve.messages import CLIENT_MESSAGES, VERSION
from llavataros.serve.replies import SERVER_MESSAGES

_BINARY = {
    "client": "little-endian u8 kind=1, u8 person, u16 0, u32 position (samples of PCM or packets "
    "of Opus of this person that came before in this stream), then the sound",
    "server": "little-endian u8 kind=2, u8 flags (1 joints, 2 humanoid), u16 count, u32 first "
    "frame, then float32 of each frame: joints × 7, then bones × 4 and the hips' 3, as flagged",
}


def message_schema() -> dict[str, Any]:
    """Returns the JSON Schema of all messages, with the version, binary forms and codes."""
    names, definitions = _definitions("#/$defs/{model}")

    def one_of(models: tuple[type, ...]) -> dict[str, Any]:
        return {"oneOf": [names[model] for model in models]}

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"llavataros live protocol {VERSION}",
        "version": VERSION,
        "client": one_of(CLIENT_MESSAGES),
        "server": one_of(SERVER_MESSAGES),
        "binary": _BINARY,
        "close_codes": {
            str(meaning.close): {"code": code.value, "text": meaning.text}
            for code, meaning in MEANINGS.items()
        },
        "$defs": definitions,
    }


def message_components() -> dict[str, Any]:
    """Returns the schemas of all messages as OpenAPI names them."""
    return _definitions("#/components/schemas/{model}")[1]


def _definitions(template: str) -> tuple[dict[type, dict[str, Any]], dict[str, Any]]:
    every: tuple[type[BaseModel], ...] = (*CLIENT_MESSAGES, *SERVER_MESSAGES)
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(m, "validation") for m in every]
    references, tree = models_json_schema(models, ref_template=template)
    return {model: schema for (model, _), schema in references.items()}, tree["$defs"]
