"""What a start does not wait for."""

import subprocess
import sys


def test_the_package_of_the_model_is_loaded_only_where_there_is_a_key() -> None:
    """It takes longer to load than everything else together."""
    code = "import sys, chatserver.app, workers.main, workers.ingest; sys.exit('anthropic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
