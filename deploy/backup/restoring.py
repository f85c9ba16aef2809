"""Makes a server's data folder of a backup, and of the log written since if one is kept."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from deploy.backup.manifest import Manifest
from deploy.backup.programs import BackupError, program, run
from deploy.local.postgres import Postgres
from deploy.local.state import DataFolder, read_json

# A file of the log, and the one that is still being written.
_SEGMENT = re.compile(r"([0-9A-F]{24})(\.partial)?")
_HISTORY = re.compile(r"[0-9A-F]{8}\.history")
# Everything that is needed lies in the folder itself, where the server looks when a command has nothing.
_RECOVERY = """
# Written by deploy.backup for the first start after a restore: nobody is let in before the moment is reached.
restore_command = 'false'
recovery_target_action = 'promote'
hot_standby = 'off'
"""


def verify(folder: Path) -> Manifest:
    """Checks each file of the backup by checksum, unpacked, and that the log it needs is there. Raises BackupError."""
    with tempfile.TemporaryDirectory(prefix=".verify-", dir=folder.parent) as place:
        return unpack(folder, Path(place))


def unpack(folder: Path, cluster: Path, log: Path | None = None, until: datetime | None = None) -> Manifest:
    """Fills an empty folder so that a server started on it has the data of the backup's end, or what `log` has up to `until`.

    Raises BackupError; what has been written by then is of no use.
    """
    manifest = Manifest.read(folder)
    if any(cluster.iterdir()):
        raise BackupError(f"{cluster} is not empty; nothing was overwritten")
    _check_version(manifest)
    manifest.check_files(folder)
    run(["tar", "--extract", f"--file={folder / 'base.tar.gz'}", f"--directory={cluster}"])
    run(["tar", "--extract", f"--file={folder / 'pg_wal.tar.gz'}", f"--directory={cluster / 'pg_wal'}"])
    run([program("pg_verifybackup"), "--quiet", f"--manifest-path={folder / 'backup_manifest'}", str(cluster)])
    if log:
        follow_log(cluster, log, until)
    elif until:
        raise BackupError("a time can be named only together with the log that was kept")
    return manifest


def restore_stack(
    folder: Path, data_folder: Path, secrets: Path, log: Path | None = None, until: datetime | None = None
) -> Manifest:
    """Makes a data folder of `make up` of a backup and of the secrets that belong to it.

    Raises BackupError, DataFolderError or ProcessError, and leaves no folder behind.
    """
    manifest = Manifest.read(folder)
    if data_folder.exists() and any(data_folder.iterdir()):
        raise BackupError(f"{data_folder} is not empty; nothing was overwritten")
    kept = {name: str(value) for name, value in read_json(secrets).items()}
    if not kept:
        raise BackupError(
            f"{secrets} holds no secrets; passwords and keys are not in a backup and must be kept elsewhere"
        )
    manifest.check_keys(kept)
    data = DataFolder(data_folder)
    data.acquire()
    try:
        for name, value in kept.items():
            data.keep_secret(name, value)
        Postgres(data, 0).restore(lambda cluster: unpack(folder, cluster, log, until))
    except BaseException:
        data.release()
        data.remove()
        raise
    data.release()
    return manifest


def _check_version(manifest: Manifest) -> None:
    words = run([program("postgres"), "--version"]).split()
    if int(words[2].partition(".")[0]) != manifest.major:
        raise BackupError(f"the backup is of PostgreSQL {manifest.major} and cannot be read by {words[2]}")


def follow_log(cluster: Path, log: Path, until: datetime | None) -> None:
    """Has the server carry on by the log that was kept, up to its end or to a time; a log that does not reach that far is refused by it."""
    files = list(_log_files(log))
    if not files:
        raise BackupError(f"{log} holds no log of a server")
    for source, name in files:
        target = cluster / "pg_wal" / name
        # The backup has the beginning of the last one, the log may have less of it or more.
        if not target.exists() or _written(source) > _written(target):
            shutil.copyfile(source, target)
    target_time = f"recovery_target_time = '{until.isoformat()}'\n" if until else ""
    with (cluster / "postgresql.auto.conf").open("a") as settings:
        settings.write(_RECOVERY + target_time)
    (cluster / "recovery.signal").touch(mode=0o600)


def _log_files(log: Path) -> Iterable[tuple[Path, str]]:
    if not log.is_dir():
        return
    for path in sorted(log.iterdir()):
        if match := _SEGMENT.fullmatch(path.name):
            yield path, match[1]
        elif _HISTORY.fullmatch(path.name):
            yield path, path.name


def _written(segment: Path) -> int:
    """Bytes before the zeros that fill up a file of the log which was still being written."""
    return len(segment.read_bytes().rstrip(b"\0"))
