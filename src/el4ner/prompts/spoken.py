"""What of a reply is the answer: without the reasoning before it, and the tokens and fences around it."""

from __future__ import annotations

import re

# As models mark that they think: DeepSeek-R1, Qwen 3 and many more; Seed; Magistral; Kimi; Command A; Open-R1.
_TAGS = r"(?:seed:)?(?:think|thinking|thought|thoughts|reasoning|reflection|analysis|scratchpad)"
_OPEN = re.compile(
    rf"\s*(?:<{_TAGS}>|\[THINK\]|◁think▷|<\|START_THINKING\|>|<\|(?:begin|start)_of_thought\|>|<\|channel\|>analysis)",
    re.I,
)
_CLOSE = re.compile(
    rf"</{_TAGS}>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<\|end_of_thought\|>"
    r"|<\|channel\|>final(?: \w+)?<\|message\|>",  # gpt-oss
    re.I,
)
_BEGIN = re.compile(
    r"(?:<\|im_start\|>|<\|start_header_id\|>|<\|start\|>)assistant(?:<\|end_header_id\|>)?|<s>"
    r"|<\|(?:begin|start)_of_solution\|>|<\|START_RESPONSE\|>"
)
_END = re.compile(
    r"(?:<\|(?:im_end|eot_id|eom_id|endoftext|end_of_text|end|return|user|endofturn|end_of_solution|END_RESPONSE"
    r"|END_OF_TURN_TOKEN)\|>|</s>|<eos>|<end_of_turn>|<｜end▁of▁sentence｜>|\[/?INST\]|\[EOS\])$"
)
_LONGEST_END = 32  # characters of what ends a reply
_FENCE = re.compile(r"```[\w-]*[ \t]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_ANSWER = re.compile(
    r"<(answer|final_answer|output|result|response)>(.*?)(?:</\1>|\Z)|\\boxed\{(?:\\text\{)?([^{}]*)\}|\A\"([^\"\\]*)\"\Z",
    re.DOTALL,
)


def spoken(text: str) -> tuple[int, int] | None:
    """Where in a reply the answer stands, so that its tokens can be told; None where it ends before there is one.

    Reasoning counts where the reply begins with it, or where the template had opened it and only its end is written.
    Of blocks that are fenced, tagged or boxed as the answer the first that holds anything is the answer.
    """
    start = 0
    if closed := list(_CLOSE.finditer(text)):
        start = closed[-1].end()
    elif _OPEN.match(text):
        return None
    start, end = _bare(text, start, len(text))
    for block in (_FENCE, _ANSWER):
        for found in block.finditer(text[start:end]):
            group = found.lastindex or 0
            if group and found[group].strip():
                start, end = start + found.start(group), start + found.end(group)
                break
    return start, end


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    """Without blanks and the tokens that begin and end a turn, as many as there are."""
    while True:
        bare = text[start:end]
        start, end = end - len(bare.lstrip()), start + len(bare.rstrip())
        if opened := _BEGIN.match(text, start, end):
            start = opened.end()
        elif closed := _END.search(text, max(start, end - _LONGEST_END), end):
            end = closed.start()
        else:
            return start, end
