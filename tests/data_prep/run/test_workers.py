import os
import time

import pytest

from data_prep.machine.gpus import claim_gpu, visible_gpus
from data_prep.run.workers import run_all


def gpu_of_process(_):
    time.sleep(0.3)  # so that one process cannot do everything
    return os.getpid(), os.environ.get("CUDA_VISIBLE_DEVICES")


@pytest.mark.slow
def test_processes_share_out_the_gpus(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, 7")
    results = [result for _, result in run_all(gpu_of_process, range(8), workers=2, label="x")]
    assert len(dict(results)) == 2, "two processes, each with one GPU throughout"
    assert len(set(results)) == 2
    assert {gpu for _, gpu in results} == {"4", "7"}
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "4, 7"


def test_gpus_that_are_switched_off_stay_so(monkeypatch):
    for stated in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", stated)
        assert visible_gpus() == ()
        claim_gpu((), None)
        assert os.environ["CUDA_VISIBLE_DEVICES"] == stated


def test_all_items_come_back_with_their_index():
    assert dict(run_all(abs, [-1, 2, -3], workers=1, label="x")) == {0: 1, 1: 2, 2: 3}
    assert list(run_all(abs, [], workers=2, label="x")) == []
