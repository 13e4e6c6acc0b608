#!/usr/bin/env bash
# From data sets to the three adapters that ship, in one command; what a broken-off run has finished is not made again.
#
#     train/run.sh cpu DATA BASE.gguf OUT      two cores, three hours: a trunk of 38 minutes, three times two steps of 23
#     train/run.sh gpu DATA BASE.gguf OUT      one GPU: a trunk of 8 minutes, three times two steps of 2.5
#     train/run.sh try DATA BASE.gguf OUT      all of it with half a minute each, to see that it runs
#
# A trunk learns at a steady rate; the experts branch off from it, each on episodes of its own, in two steps in which the
# rate rises and falls, and an expert is the mean of its two.
# Needs el4ner, torch, gguf, safetensors, tokenizers and transformers in the Python that is first on the path.
set -euo pipefail
[ $# = 4 ] || { sed -n "2,9s/^# \{0,1\}//p" "$0" >&2; exit 2; }
where=$1 data=$2 base=$3 out=$4
here=$(dirname "$0")
case $where in
    cpu) trunk=38 step=23 tokens=2000000 ;;
    gpu) trunk=8 step=2.5 tokens=60000000 ;;
    try) trunk=0.5 step=0.5 tokens=200000 ;;
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
train() {  # EXPERT START FOLDER SEED
    [ -e "$3/$1.json" ] || python "$here/train.py" "$base" "$out/tokens" "$1" "$3" \
        --start "$2" --minutes "$step" --lr 1e-3 --decay 0.7 --seed "$4"
}
for expert in technical reader breadth; do
    train "$expert" "$out/trunk/general.safetensors" "$out/first" 1
    train "$expert" "$out/first/$expert.safetensors" "$out/second" 2
    python "$here/average.py" "$out/$expert.safetensors" "$out"/{first,second}/"$expert.safetensors"
done
