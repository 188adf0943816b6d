"""The site's functions in processes of their own: what they return, and that nothing they do hurts us."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from ivr.flow.outside import OutsideFailed
from ivr.functions.pool import FunctionPool

SCRIPTS = {
    "double": "def run(values):\n    print('noise')\n    return {'twice': values['a'] * 2}\n",
    "nothing": "def run(values):\n    pass\n",
    "hang": "import time\ndef run(values):\n    time.sleep(60)\n",
    "crash": "import os\ndef run(values):\n    os._exit(3)\n",
    "leave": "import sys\ndef run(values):\n    sys.exit('what was typed')\n",
    "fail": "def run(values):\n    raise LookupError('what was typed')\n",
    "broken": "def run(values:\n",
    "empty": "",
    "number": "def run(values):\n    return {'n': 1}\n",
    "name": "def run(values):\n    return {'A B': '1'}\n",
    "huge": "def run(values):\n    return {'n': 'x' * 1_000_000}\n",
    "long": "def run(values):\n    return {'n': 'x' * 2_001}\n",
    "many": "def run(values):\n    return {f'n{i}': '' for i in range(51)}\n",
    "noisy": "import os, sys\ndef run(values):\n    os.write(1, b'{}\\n')\n    return {'in': sys.stdin.read()}\n",
    "pid": "import os\ndef run(values):\n    return {'pid': str(os.getpid())}\n",
    "child": "import subprocess, time\ndef run(values):\n    subprocess.Popen(['sleep', '41.3'])\n    time.sleep(60)\n",
    "friend": "import pid\ndef run(values):\n    return pid.run(values)\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in SCRIPTS.items():
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
    return tmp_path


async def asked(pool: FunctionPool, name: str, limit_s: float = 20.0, **values: str) -> Mapping[str, str]:
    return await pool.call(name, values, limit_s)


async def test_a_function_returns_values(folder: Path) -> None:
    pool = FunctionPool(folder)
    assert await asked(pool, "double", a="长$") == {"twice": "长$长$"}
    assert await asked(pool, "nothing") == {}
    assert await asked(pool, "noisy") == {"in": ""}  # what it writes is no answer, what we say is not for it
    await pool.close()


async def test_one_process_serves_until_it_fails_and_scripts_know_each_other(folder: Path) -> None:
    pool = FunctionPool(folder)
    first = (await asked(pool, "pid"))["pid"]
    with pytest.raises(OutsideFailed, match=r"^it raised LookupError$"):
        await asked(pool, "fail")
    assert (await asked(pool, "friend"))["pid"] == first
    (folder / "pid.py").write_text("def run(values):\n    return {'pid': 'mended'}\n", "utf-8")
    assert (await asked(pool, "pid"))["pid"] == "mended"
    await pool.close()
    assert not psutil.pid_exists(int(first))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("leave", "SystemExit"),
        ("broken", "SyntaxError"),
        ("empty", "TypeError"),
        ("number", "TypeError"),
        ("absent", "FileNotFoundError"),
        ("crash", "its process died"),
        ("huge", "larger"),
        ("name", "is no value"),
        ("long", "is no value"),
        ("many", "more than 50"),
    ],
)
async def test_what_is_no_answer(folder: Path, name: str, why: str) -> None:
    pool = FunctionPool(folder, size=1)
    with pytest.raises(OutsideFailed, match=why) as told:
        await asked(pool, name)
    assert "typed" not in str(told.value)
    assert await asked(pool, "double", a="1") == {"twice": "11"}
    await pool.close()


async def test_one_that_hangs_is_ended_with_its_children_and_holds_up_nobody_else(folder: Path) -> None:
    pool = FunctionPool(folder, size=2)
    await asyncio.gather(asked(pool, "pid"), asked(pool, "pid"))  # both are warm
    begun = time.monotonic()
    hanging = asyncio.create_task(asked(pool, "child", 3.0))
    await asyncio.sleep(0.1)
    assert await asked(pool, "double", a="1") == {"twice": "11"}
    assert time.monotonic() - begun < 3.0
    with pytest.raises(OutsideFailed, match=r"3 s were over"):
        await hanging
    sleepers = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "41.3"]]
    assert not psutil.wait_procs(sleepers, timeout=5)[1]  # a signal takes its time
    assert await asked(pool, "double", a="1") == {"twice": "11"}
    await pool.close()


async def test_a_wait_for_a_process_counts(folder: Path) -> None:
    pool = FunctionPool(folder, size=1)
    hanging = asyncio.create_task(asked(pool, "hang", 5.0))
    await asyncio.sleep(0.05)
    with pytest.raises(OutsideFailed, match=r"0\.5 s were over"):
        await asked(pool, "double", 0.5, a="1")
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)
    assert await asked(pool, "double", a="1") == {"twice": "11"}  # nobody gets the cancelled one's answer
    await pool.close()
