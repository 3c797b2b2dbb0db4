"""What detectors answer is read as it is, and what is no detection is a sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from reticent.detections import Detections, detect, read_images
from reticent.errors import DataError, ModelError

IMAGES = [np.zeros((8, 10)), np.ones((6, 6))]
BOX = [[1.0, 2, 5, 6]]


class Vision(nn.Module):
    """A module that answers as torchvision's detectors do, in evaluation mode alone."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.5))
        self.seen = []

    def forward(self, images):
        assert not self.training
        self.seen += [tuple(i.shape) for i in images]
        return [
            {
                "boxes": torch.tensor(BOX if i.mean() == 0 else []).reshape(-1, 4) + 0 * self.weight,
                "scores": torch.full((1 if i.mean() == 0 else 0,), 0.75),
                "labels": torch.ones(1 if i.mean() == 0 else 0, dtype=torch.int64),
            }
            for i in images
        ]


def test_a_module_is_asked_in_evaluation_mode_with_channels_first():
    module = Vision().train()
    one, none = detect(module, [*IMAGES])
    assert module.seen == [(1, 8, 10), (1, 6, 6)]
    np.testing.assert_allclose(one.boxes, BOX)
    np.testing.assert_allclose(one.scores, [0.75])
    assert none.boxes.shape == (0, 4) and len(none.scores) == 0
    colour = Vision()
    detect(colour, [np.zeros((8, 10, 3))])
    assert colour.seen == [(3, 8, 10)]


def test_a_callable_may_answer_detections_or_mappings_without_scores():
    given = Detections(np.array(BOX), np.array([0.4]), np.array([1]))
    first, second = detect(lambda images: [given, {"boxes": BOX}], IMAGES)
    assert first.scores.tolist() == [0.4] and second.scores is None
    assert second.sure(0.9) is second and len(first.sure(0.5).boxes) == 0


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([{"boxes": BOX}], "1 answers to 2 images"),
        ([3, 4], "answered a int"),
        ([{"scores": [1]}] * 2, "expected Detections, or a mapping"),
        ([{"boxes": [[1.0, 2, 3]]}] * 2, "expected .boxes, 4."),
        ([{"boxes": [[1.0, 2, np.nan, 3]]}] * 2, "not finite"),
        ([{"boxes": [[5.0, 2, 1, 3]]}] * 2, "end before they begin"),
        ([{"boxes": BOX, "scores": [1.5]}] * 2, "outside 0 and 1"),
        ([{"boxes": BOX, "scores": [np.nan]}] * 2, "outside 0 and 1"),
        ([{"boxes": BOX, "scores": [0.5, 0.5]}] * 2, "scores of shape"),
    ],
)
def test_what_is_no_detection_is_a_sentence(answers, said):
    with pytest.raises(ModelError, match=said):
        detect(lambda images: answers, IMAGES)


@pytest.mark.parametrize(
    ("images", "boxes", "said"),
    [
        (IMAGES, [BOX], "2 images and 1 sets of boxes of the members"),
        ([], [], "0 images"),
        ([np.zeros(3), np.zeros((2, 2))], [BOX, BOX], "no image"),
        ([np.full((2, 2), np.nan)], [BOX], "no image"),
        ([np.zeros((4, 4)), np.zeros((4, 4, 3))], [BOX, BOX], "different channels"),
        (IMAGES, [BOX, [[9, 9, 1, 1]]], "end before they begin"),
    ],
)
def test_what_is_no_image_is_a_sentence(images, boxes, said):
    with pytest.raises(DataError, match=said):
        read_images(images, boxes, "members")


def test_an_image_may_be_empty_of_boxes():
    _, boxes = read_images(IMAGES, [[], BOX], "members")
    assert [b.shape for b in boxes] == [(0, 4), (1, 4)]
