"""More than one machine: trainings and forecasts on a cluster of Ray.

``fits`` trains one model in several processes, ``forecasts`` forecasts files of Parquet in tasks;
``cluster`` is what both stand on. Needs ``pip install 'tsgen[ray]'`` on each machine.
"""

from tsgen.distributed.fits import fit
from tsgen.distributed.forecasts import predict

__all__ = ["fit", "predict"]
