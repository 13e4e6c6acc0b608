#!/usr/bin/env bash
# From data sets to the three adapters that ship, in one command; what a broken-off run has finished is not made again.
#
#     train/run.sh cpu DATA BASE.gguf OUT      two cores, three hours: a trunk of 38 minutes, three branches of 47
#     train/run.sh gpu DATA BASE.gguf OUT      one GPU: a trunk of 8 minutes, three branches of 5
#     train/run.sh try DATA BASE.gguf OUT      all of it with a minute each, to see that it runs
#
# A trunk learns at a steady rate; the experts branch off from it, each on episodes of its own, and then the rate falls.
# Needs el4ner, torch, gguf, safetensors, tokenizers and transformers in the Python that is first on the path.
set -euo pipefail
where=$1 data=$2 base=$3 out=$4
here=$(dirname "$0")
case $where in
    cpu) trunk=38 branch=47 tokens=2000000 ;;
    gpu) trunk=8 branch=5 tokens=60000000 ;;
    try) trunk=1 branch=1 tokens=200000 ;;
    *) echo "first argument: cpu, gpu or try, not $where" >&2; exit 2 ;;
esac
mkdir -p "$out/trunk"
made=$(cd "$here" && cat ./*.py written/*.txt | sha256sum)\ $*
if [ -e "$out/made" ] && [ "$(cat "$out/made")" != "$made" ]; then
    echo "$out holds what was made of other data or by other code; give another folder" >&2
    exit 2
fi
echo "$made" > "$out/made"
[ -e "$out/corpus.json.xz" ] || PYTHONHASHSEED=0 python "$here/corpus.py" "$data" "$out/corpus.json.xz"
[ -e "$out/tokenizer.json" ] || python "$here/vocabulary.py" "$base" "$out/tokenizer.json"
python "$here/episodes.py" "$out/corpus.json.xz" "$out/tokenizer.json" "$out/tokens" --tokens "$tokens"
[ -e "$out/trunk/general.json" ] || python "$here/train.py" "$base" "$out/tokens" general "$out/trunk" \
    --minutes "$trunk" --lr 1e-3 --decay 0
for expert in technical reader breadth; do
    [ -e "$out/$expert.json" ] || python "$here/train.py" "$base" "$out/tokens" "$expert" "$out" \
        --start "$out/trunk/general.safetensors" --minutes "$branch" --lr 1e-3 --decay 0.7 --seed 1
done
