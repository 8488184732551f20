"""Where do fetched things lie? In the user's cache, and what was agreed to in the configuration."""

from __future__ import annotations

from pathlib import Path

import platformdirs

_OURS = "sidestep"


def cache_folder() -> Path:
    """Sidestep's folder in the user's cache: ``~/.cache/sidestep`` on Linux; it may not exist."""
    return platformdirs.user_cache_path(_OURS, appauthor=False)


def downloads_folder() -> Path:
    """Where files lie as they came."""
    return cache_folder() / "downloads"


def knowledge_folder() -> Path:
    """Where larger databases lie, and where ``score`` looks for them if no folder is named."""
    return cache_folder() / "knowledge"


def accepted_file() -> Path:
    """Which licences the user has accepted: ``~/.config/sidestep/licences.json`` on Linux."""
    return platformdirs.user_config_path(_OURS, appauthor=False) / "licences.json"
