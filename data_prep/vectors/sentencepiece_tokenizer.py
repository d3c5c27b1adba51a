"""A fast tokenizer from the `tokenizer.model` of LLaMA 1 and 2, for folders with no other file."""

from pathlib import Path
from typing import Any

from llavataros_jax.errors import UserError

_SPACE = "\u2581"


def sentencepiece_tokenizer(path: Path) -> Any:
    """Builds a `PreTrainedTokenizerFast` that encodes as SentencePiece does, with offsets.

    The conversion in transformers 5 ranks merges by the pieces' ids instead of their scores, which
    puts runs of spaces first, and for a bare folder leaves out the space and the sign before a
    text.

    Raises:
        UserError: When the file is no SentencePiece model of pairwise merges (BPE).
    """
    import sentencepiece
    from tokenizers import AddedToken, Tokenizer, models, normalizers, processors
    from transformers import PreTrainedTokenizerFast

    try:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError) as problem:
        raise UserError(
            f"{path} is no SentencePiece model; download the tokenizer again"
        ) from problem
    ids = range(processor.get_piece_size())
    pieces = {processor.id_to_piece(row): row for row in ids}
    scores = {piece: processor.get_score(row) for piece, row in pieces.items()}
    special = [piece for piece, row in pieces.items() if _is_special(processor, row)]
    merges = [
        (piece[:place], piece[place:])
        for piece, row in pieces.items()
        if not (_is_special(processor, row) or processor.is_byte(row))
        for place in range(1, len(piece))
        if piece[:place] in pieces and piece[place:] in pieces
    ]
    if not merges:
        raise UserError(f"{path} has no pairwise merges; bring the model's tokenizer.json instead")
    # Of pieces with equal scores the first merge from the left counts: longest left part first.
    merges.sort(key=lambda pair: (-scores[pair[0] + pair[1]], -len(pair[0])))
    unknown = processor.id_to_piece(processor.unk_id())
    tokenizer = Tokenizer(
        models.BPE(pieces, merges, unk_token=unknown, fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Sequence(  # pyright: ignore[reportAttributeAccessIssue]
        [normalizers.Prepend(_SPACE), normalizers.Replace(" ", _SPACE)]
    )
    tokenizer.add_special_tokens([AddedToken(piece, normalized=False) for piece in special])
    begin = processor.id_to_piece(processor.bos_id())
    tokenizer.post_processor = processors.TemplateProcessing(  # pyright: ignore[reportAttributeAccessIssue]
        single=f"{begin} $A", special_tokens=[(begin, processor.bos_id())]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=begin,
        eos_token=processor.id_to_piece(processor.eos_id()),
        unk_token=unknown,
    )


def _is_special(processor: Any, row: int) -> bool:
    return processor.is_control(row) or processor.is_unknown(row)
