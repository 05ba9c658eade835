"""Runs one group of requests of the Python client: run.py GROUP ENDPOINT TOKEN FOLDER. Prints the methods there are and were called."""

import importlib
import json
import sys
import warnings

from common import record_calls
from hcloud import Client

group, endpoint, token, folder = sys.argv[1:]
warnings.filterwarnings("ignore", category=DeprecationWarning)
known, called = record_calls()
client = Client(token=token, api_endpoint=endpoint, application_name="berth-tests", poll_interval=0.02)
importlib.import_module(group).run(client, folder)
print(json.dumps({"known": sorted(known), "called": sorted(called)}))
