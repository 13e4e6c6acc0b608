"""What of a reply is the answer: without the reasoning before it, and the tokens and fences around it."""

from __future__ import annotations

import re

# As models mark that they think: DeepSeek-R1, Qwen 3 and many more; Magistral; Kimi; Command A; Open-R1.
_TAGS = "think|thinking|thought|thoughts|reasoning|reflection|analysis|scratchpad"
_OPEN = re.compile(
    rf"\s*(?:<(?:{_TAGS})>|\[THINK\]|◁think▷|<\|START_THINKING\|>|<\|begin_of_thought\|>|<\|channel\|>analysis)", re.I
)
_CLOSE = re.compile(
    rf"</(?:{_TAGS})>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<\|end_of_thought\|>"
    r"|<\|channel\|>final(?: \w+)?<\|message\|>",  # gpt-oss
    re.I,
)
_BEGIN = re.compile(
    r"\s*(?:<\|im_start\|>|<\|start_header_id\|>|<\|start\|>)assistant(?:<\|end_header_id\|>)?\s*|\s*<s>\s*"
)
_END = re.compile(
    r"(?:<\|(?:im_end|eot_id|eom_id|endoftext|end_of_text|end|return|user|endofturn|END_RESPONSE|END_OF_TURN_TOKEN)\|>"
    r"|</s>|<eos>|<end_of_turn>|<｜end▁of▁sentence｜>|\[/?INST\]|\[EOS\]|\s)+$"
)
_FENCE = re.compile(r"```[\w-]*[ \t]*\n?(.*?)(?:```|\Z)", re.DOTALL)


def spoken(text: str) -> tuple[int, int] | None:
    """Where in a reply the answer stands, so that its tokens can be told; None where it ends before there is one.

    Reasoning counts where the reply begins with it, or where the template had opened it and only its end is written.
    Of fenced blocks the first that holds anything is the answer.
    """
    start = 0
    if closed := list(_CLOSE.finditer(text)):
        start = closed[-1].end()
    elif _OPEN.match(text):
        return None
    if opened := _BEGIN.match(text, start):
        start = opened.end()
    ended = _END.search(text, start)
    end = ended.start() if ended else len(text)
    for fence in _FENCE.finditer(text, start, end):
        if fence[1].strip():
            return fence.start(1), fence.end(1)
    return start, end
