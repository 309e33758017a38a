"""pyspark's daemon, which forks Python workers, with pyspark imported from where Python keeps it compiled.

Spark puts an archive of pyspark first on the path of its workers. Python keeps nothing of what it compiles out of an
archive. So each daemon and each worker compiled pyspark anew, for a second of CPU time.
"""

from __future__ import annotations

import os
import runpy

from jobs.process.local_environment import leave_out_other_sparks

if __name__ == "__main__":
    leave_out_other_sparks(os.environ)
    runpy.run_module("pyspark.daemon", run_name="__main__", alter_sys=True)
