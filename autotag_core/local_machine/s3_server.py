"""A local S3 server that checks signatures: s3proxy over a folder."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError, ClientError

from autotag_core.errors import AutotagError
from autotag_core.local_machine.children import Child, LocalServer, free_port, wait_for, without_proxy
from autotag_core.local_machine.jars import S3PROXY, require
from autotag_core.local_machine.java import find_java

REGION = "us-east-1"
START_TIMEOUT_S = 300
PORT_ATTEMPTS = 5
_LOGBACK = """<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %level %logger{20} %msg%n</pattern></encoder>
  </appender>
  <root level="warn"><appender-ref ref="out"/></root>
</configuration>
"""


class S3Server(LocalServer):
    """`with S3Server(folder) as server`: buckets are subfolders of `folder`, which stays, or of a temporary folder.

    The server listens on a free port of 127.0.0.1, takes only its own random credentials, and ends with this process.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.access_key = f"AK{secrets.token_hex(9).upper()}"
        self.secret_key = secrets.token_hex(20)
        self.endpoint = ""
        self._folder = folder

    def environment(self) -> dict[str, str]:
        """The variables by which boto3, Spark (jobs.process.session) and delta-rs find this server and may use it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ALLOW_HTTP": "true",
            **without_proxy(),
        }

    def client(self) -> Any:
        """A boto3 client of this server, whatever the environment says."""
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=REGION,
            config=BotoConfig(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 1}, proxies={}),
        )

    def _start(self) -> None:
        for _ in range(PORT_ATTEMPTS):
            child = self._start_at(free_port())
            if wait_for(self._is_ready, START_TIMEOUT_S, f"the S3 server did not answer in {START_TIMEOUT_S} s"):
                return
            log = child.log_tail()
            self.stop()
            if "bind" not in log.lower():  # anything but a port that was taken meanwhile
                raise AutotagError(f"the S3 server ended at once: {log}")
        raise AutotagError(f"the S3 server found no free port in {PORT_ATTEMPTS} attempts: {log}")

    def _start_at(self, port: int) -> Child:
        java, jars = find_java(), require(S3PROXY)
        child = self._child = Child()
        work = child.folder
        folder = self._folder.absolute() if self._folder is not None else work / "buckets"
        folder.mkdir(parents=True, exist_ok=True)
        self.endpoint = f"http://127.0.0.1:{port}"
        properties = {
            "s3proxy.endpoint": self.endpoint,
            "s3proxy.authorization": "aws-v2-or-v4",
            "s3proxy.identity": self.access_key,
            "s3proxy.credential": self.secret_key,
            "jclouds.provider": "filesystem-nio2",
            "jclouds.identity": "none",
            "jclouds.credential": "none",
            "jclouds.filesystem.basedir": str(folder),
        }
        settings = work / "s3proxy.conf"
        settings.touch(mode=0o600)
        settings.write_text("".join(f"{key}={value}\n" for key, value in properties.items()), encoding="utf-8")
        (work / "logback.xml").write_text(_LOGBACK, encoding="utf-8")
        options = ["-Xmx512m", "-XX:+UseSerialGC", f"-Dlogback.configurationFile={work / 'logback.xml'}"]
        command = [java.program, *options, "-cp", f"{jars}/*", "org.gaul.s3proxy.Main", "--properties", str(settings)]
        child.start(command)
        return child

    def _is_ready(self) -> bool | None:
        if self._child is None or self._child.exit_code() is not None:
            return False
        try:
            self.client().list_buckets()
        except (BotoCoreError, ClientError):
            return None
        return True
