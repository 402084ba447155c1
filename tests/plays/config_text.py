"""Texts of configs, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.config.models import load_config
from proxy.files.yaml_file import FileErrors

HEAD = "listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\n"


def errors_of(folder: Path, text: str) -> list[str]:
    path = folder / "proxy.yaml"
    path.write_text(HEAD + text)
    with pytest.raises(FileErrors) as caught:
        load_config(path)
    return str(caught.value).replace(f"{path}:", "").splitlines()
