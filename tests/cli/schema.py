#!/usr/bin/python3
"""The JSON Schema is one, takes every scenario there is, and refuses what is plainly wrong.

usage: schema.py IKELAB SCENARIOS...
"""
import copy
import json
import subprocess
import sys

import jsonschema
import yaml


def main():
    program, paths = sys.argv[1], sys.argv[2:]
    schema = json.loads(subprocess.check_output([program, "schema"]))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    good = None
    for path in paths:
        with open(path, encoding="utf-8") as file:
            good = yaml.safe_load(file)
        validator.validate(good)
    assert good, "no scenarios given"

    def refuse(what, change):
        bad = copy.deepcopy(good)
        change(bad)
        assert not validator.is_valid(bad), what

    group = next(iter(good["nodes"]))
    link = next(iter(good["links"]))
    refuse("unknown key", lambda s: s.update(trafic={}))
    refuse("missing version", lambda s: s.pop("ikelab"))
    refuse("time without unit", lambda s: s.update(stop_time=30))
    refuse("time with a wrong unit", lambda s: s.update(stop_time="30 parsec"))
    refuse("unknown role", lambda s: s["nodes"][group].update(role="rooter"))
    refuse("count below one", lambda s: s["nodes"][group].update(count=0))
    refuse("unknown key of a link", lambda s: s["links"][link].update(dealy="1ms"))
    refuse("three sides", lambda s: s["links"][link].update(sides=["a", "b", "c"]))
    refuse("name of a group", lambda s: s["nodes"].update({"i s p": {"role": "router"}}))
    print(f"{len(paths)} scenarios fit the schema")


main()
