"""Films: one frame a snapshot, each with the networks where they were."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image, ImageSequence

from ibtui.figures.film import MOST, Scene, film, scenes
from ibtui_engine.errors import InvalidValue


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small films are made as large ones are."""
    monkeypatch.setattr("ibtui.figures.film.DPI", 40)


def test_a_film_has_a_frame_for_each_snapshot_that_differ(small: Path) -> None:
    shown = scenes(small)
    told: list[tuple[int, int]] = []
    data = film(shown, "gif", fps=20, watch=lambda done, total: told.append((done, total)))
    frames = len(shown[0].epochs)
    assert told == [(k, frames) for k in range(frames + 1)]
    with Image.open(io.BytesIO(data)) as image:
        assert (image.n_frames, image.info["duration"]) == (frames, 50)  # type: ignore[attr-defined]
        assert all(side % 2 == 0 for side in image.size)
        first, *_, last = (np.asarray(frame.convert("L")).astype(int) for frame in ImageSequence.Iterator(image))
    assert (np.abs(first - last) > 60).sum() > 30


def still(scene: Scene) -> Scene:
    """Its first frame alone."""
    return replace(scene, epochs=scene.epochs[:1])


def test_dark_films_are_dark(small: Path) -> None:
    brightness = {}
    for theme in ("light", "dark"):
        with Image.open(io.BytesIO(film([still(scenes(small, 1)[0])], "gif", fps=20, theme=theme))) as image:  # type: ignore[arg-type]
            brightness[theme] = np.asarray(image.convert("L")).mean()
    assert brightness["light"] > 220
    assert brightness["dark"] < 60


def test_ensembles_stand_side_by_side_or_one_alone(example: Callable[[str], Path], small: Path) -> None:
    assert [scene.plane.title for scene in scenes(small)] == ["20 % of the patterns", "80 % of the patterns"]
    assert [scene.plane.title for scene in scenes(small, 1)] == ["4-2"]
    assert len(scenes(example("figure-5"))) == 6 <= MOST
    with pytest.raises(InvalidValue, match="ensemble is 2: this session has 0 to 1"):
        scenes(small, 2)


def test_without_ffmpeg_one_line_says_so(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ibtui.figures.ffmpeg.find_ffmpeg", lambda: None)
    with pytest.raises(InvalidValue, match="mp4 is made by ffmpeg, which is not installed") as refused:
        film(scenes(small), "mp4", fps=20)
    assert "\n" not in str(refused.value)


def test_mp4_has_a_frame_for_each_snapshot(small: Path, tmp_path: Path) -> None:
    made = film(scenes(small), "mp4", fps=20)
    assert made[4:8] == b"ftyp"
    path = tmp_path / "film.mp4"
    path.write_bytes(made)
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(path)
    assert frames == len({epoch for scene in scenes(small) for epoch in scene.epochs.tolist()})
    assert seconds == pytest.approx(frames / 20, abs=0.06)
