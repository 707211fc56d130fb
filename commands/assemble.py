"""Puts the parts together: settings in, a working pipeline, store or index out."""

import socket
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from alerts.engine import AlertEngine
from alerts.setup import build_engine
from config.lexicon import Lexicon, load_lexicon, load_registry_csv
from config.settings import Settings
from core.clock import Clock, system_clock
from core.records import RegistryEntry, Signal
from enterprises.registry_import import import_file, registry_of
from nlp.analyze import Analyzer
from nlp.segment import Segmenter
from pipelines.stages import Judge, Pipeline
from search.open import open_backend
from search.records import IndexEntry, entry_of
from store.database import Store, check_profile
from store.registry import count_entries
