"""A PostgreSQL of the bench's, or of the tests', own: a fresh cluster in a folder of its own, on a free port, and gone
afterwards.

It refuses to run as root, so root starts it as nobody. ``durable`` False: nothing is forced to the disk.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from hotline.settings import cache_folder
from hotline.sip.ports import free_tcp_port

_NOBODY = 65534
_UP_S = 30.0


class NoPostgres(RuntimeError):
    """It is not there, or does not start; the message says why, to a person."""


class PostgresServer:
    def __init__(self, *, durable: bool = False, host: str = "127.0.0.1") -> None:
        self._durable, self._host = durable, host
        self._bin = binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="hl-pg-"))
        self._port = free_tcp_port(host)
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0

    def __enter__(self) -> Self:
        try:
            self._make()
            self.start()
        except NoPostgres:
            self.__exit__(None, None, None)
            raise
        return self

    def _make(self) -> None:
        if os.getuid() == 0:
            os.chown(self._folder, _NOBODY, _NOBODY)
        words = (
            "initdb",
            "-D",
            str(self.data),
            "-U",
            "hotline",
            "--auth=trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        )
        done = subprocess.run(self._command(*words), capture_output=True, env=self._env(), check=False)
        if done.returncode:
            raise NoPostgres(done.stderr.decode())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Again, after `stop` or `kill`, too."""
        settings = {"listen_addresses": self._host, "port": self._port, "unix_socket_directories": self._folder}
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            self._command("postgres", "-D", str(self.data), *options), stdout=log, stderr=log, env=self._env()
        )
        self.until_up()

    @property
    def data(self) -> Path:
        """Its folder with all databases."""
        return self._folder / "data"

    @property
    def version(self) -> str:
        with psycopg.connect(self._dsn("postgres")) as connection:
            return str(connection.execute("SHOW server_version").fetchone()[0]).split()[0]  # type: ignore[index]

    def stop(self) -> None:
        """At once, and cleanly: whoever is connected is cut off."""
        self._end("INT")

    def kill(self) -> None:
        """As when the machine loses power."""
        self._end("KILL")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Its connections are open, and nothing comes."""
        processes = self._processes()
        subprocess.run(("kill", "-STOP", *processes), check=True)
        try:
            yield
        finally:
            subprocess.run(("kill", "-CONT", *processes), check=False, stderr=subprocess.DEVNULL)

    def _end(self, signal: str) -> None:
        processes = self._processes()
        if self._process is None or not processes:
            return
        first, *children = processes
        subprocess.run(("kill", f"-{signal}", first), check=False)
        self._process.wait(20)
        if signal == "KILL":
            subprocess.run(("kill", "-KILL", *children), check=False, stderr=subprocess.DEVNULL)

    def _processes(self) -> list[str]:
        """The number of each, the server's own first; none while it does not run."""
        if self._process is None or self._process.poll() is not None:
            return []
        first = str(self._process.pid)
        asked = subprocess.run(("pgrep", "-P", first), capture_output=True, text=True, check=False)
        return [first, *asked.stdout.split()]

    def until_up(self) -> None:
        deadline = time.monotonic() + _UP_S
        while True:
            try:
                psycopg.connect(self._dsn("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise NoPostgres((self._folder / "log").read_text()[-2000:]) from None
                time.sleep(0.05)
            else:
                return

    def database(self, template: str = "template1") -> str:
        """The name of a new one."""
        self._made += 1
        name = f"t{os.getpid()}_{self._made}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, name: str) -> None:
        self.run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def run(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self._dsn(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://hotline@{self._host}:{self._port}/{database}"

    def _dsn(self, database: str) -> str:
        return f"host={self._host} port={self._port} user=hotline dbname={database}"

    def _command(self, program: str, *words: str) -> tuple[str, ...]:
        as_nobody = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--")
        return (*(as_nobody if os.getuid() == 0 else ()), str(self._bin / program), *words)

    def _env(self) -> dict[str, str]:
        libraries = ":".join(str(path) for path in self._bin.parents[3].glob("lib/*-linux-gnu"))
        return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "LD_LIBRARY_PATH": libraries}


def binaries() -> Path:
    """Raises NoPostgres. Where initdb and postgres are: the machine's own, or what `tests/bring` has unpacked."""
    unpacked = cache_folder() / "tests" / "postgresql" / "usr" / "lib" / "postgresql"
    for place in (Path("/usr/lib/postgresql"), unpacked):
        found = sorted(place.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        if found:
            return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise NoPostgres("there is no PostgreSQL: tests/bring brings one, without root")
    return Path(on_path).resolve().parent
