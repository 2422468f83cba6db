"""A finished run that tests resume, damage and read, made without compilation and pictures."""

from pathlib import Path

import pytest
import tensorflow as tf

from pinn.cli.main import main


def finished_run(output, *settings):
    """Run Burgers' equation to its end, and return the folder of the run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pinn.run.solution.save_figures", lambda folder, **_: [])
        tf.config.run_functions_eagerly(True)
        try:
            assert main(["run", *settings, f"output={output}"]) == 0
        finally:
            tf.config.run_functions_eagerly(False)
    (folder,) = Path(output, "burgers").iterdir()
    return folder
