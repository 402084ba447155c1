#!/usr/bin/env bash
# Speak the prompts again after a change of a prompts.txt. Needs Debian's espeak-ng and sox; using the prompts needs neither.
set -euo pipefail
cd "$(dirname "$0")"
for folder in . callers; do
    while read -r name voice pitch speed text; do
        # 8 kHz 16-bit mono without dither, so that the same text makes the same bytes; quiet ends cut; peak at -3 dB
        espeak-ng -v "$voice" -p "$pitch" -s "$speed" --stdout "$text" |
            sox -D -t wav - -r 8000 -b 16 -c 1 "$folder/$name.wav" silence 1 0.02 0.3% reverse silence 1 0.02 0.3% reverse norm -3
    done < <(grep -v '^#' "$folder/prompts.txt")
done
