"""Forecasters under the interfaces of other projects.

``sktime`` has the `TsgenForecaster`, for sktime's pipelines, searches and evaluations (extra
``tsgen[sktime]``); ``mlflow`` saves, logs and serves a fitted forecaster (extra ``tsgen[mlflow]``).
Each is imported by its own name and needs its project installed; nothing else of tsgen needs them.
"""
