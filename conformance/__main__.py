"""`make conformance SUITE=https://suite.test:8443 PLAN=basic`: run plans of a running suite against a fresh provider."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from conformance import chromium, report
from conformance.automation import Automation
from conformance.plans import KEY_ROTATION, Plan, find_plans
from conformance.provider import PASSWORD, USERNAME, ProviderUnderTest
from conformance.suite import ENDED, Suite

ALIAS = "idp"
_CONFIGURE_SECONDS = 60
_MODULE_SECONDS = 240
_FAULTS = ("FAILURE", "WARNING", "INTERRUPTED")


def main() -> int:
    """Run what was asked for; 0 where every module is as it must be."""
    options = _read_options()
    folder = Path(options.folder).resolve()
    suite = Suite(options.suite, options.ca_file)
    provider = ProviderUnderTest(folder, options.issuer, suite.url, options.ca_file, options.bind)
    provider.start(ALIAS)
    try:
        results = [_run_plan(suite, provider, plan, options, folder) for plan in find_plans(options.plan)]
    finally:
        provider.stop()
    return 0 if all(results) else 1


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="conformance", description=__doc__)
    parser.add_argument("--suite", required=True, help="address of the running suite")
    parser.add_argument("--plan", default="all", help="all, or keys such as basic,dynamic-*")
    parser.add_argument("--module", default="", help="only modules with this in their name; nothing is kept then")
    parser.add_argument(
        "--issuer", default="https://idp.test:5443", help="address of the provider behind its TLS front"
    )
    parser.add_argument("--bind", default="127.0.0.1:5000", help="where the TLS front finds the provider")
    parser.add_argument(
        "--ca-file", default=os.environ.get("SSL_CERT_FILE", ""), help="who vouches for suite and front"
    )
    parser.add_argument("--folder", default="var/conformance", help="where the provider and the pictures live")
    return parser.parse_args()


def _run_plan(suite: Suite, provider: ProviderUnderTest, plan: Plan, options: argparse.Namespace, folder: Path) -> bool:
    config = Automation(options.issuer, USERNAME, PASSWORD).build(plan, ALIAS)
    made = suite.create_plan(plan.name, plan.variant, config)
    print(f"{plan.key}: {suite.url}/plan-detail.html?plan={made['id']}", flush=True)
    modules = []
    for entry in made["modules"]:
        if options.module in entry["testModule"]:
            modules.append(_run_module(suite, provider, plan, made["id"], entry, folder))
    faults = report.find_faults(modules)
    if not options.module:
        day = datetime.now(UTC).date().isoformat()
        record = {"plan_id": made["id"], "suite": suite.version(), "day": day, "modules": modules}
        report.keep(plan.key, record)
    print(f"{plan.key}: {len(modules)} modules, {len(faults)} not as they must be", flush=True)
    return not faults


def _run_module(
    suite: Suite, provider: ProviderUnderTest, plan: Plan, plan_id: str, entry: Mapping[str, Any], folder: Path
) -> dict[str, Any]:
    name, variant = entry["testModule"], entry.get("variant") or {}
    module_id = suite.create_module(plan_id, name, variant)
    if suite.wait(module_id, {"CONFIGURED", "WAITING"}, _CONFIGURE_SECONDS) == "CONFIGURED":
        if name == KEY_ROTATION:
            provider.rotate_keys()
        suite.start(module_id)
    if plan.needs_real_browser:
        chromium.drive(suite, module_id, USERNAME, PASSWORD, folder)
    suite.wait(module_id, ENDED, _MODULE_SECONDS)
    info = suite.info(module_id)
    result = str(info.get("result") or "UNKNOWN") if info.get("status") == "FINISHED" else "INTERRUPTED"
    found = {"module": name, "variant": variant, "id": module_id, "result": result}
    print(f"  {result:11} {name} {' '.join(variant.values())}", flush=True)
    if not report.find_faults([found]):
        return found
    for line in suite.log(module_id):
        if line.get("result") in _FAULTS:
            print(
                f"      {line['result']}: {line.get('src')}: {str(line.get('msg'))[:300]} {str(line.get('error') or '')[:300]}"
            )
    return found


if __name__ == "__main__":
    sys.exit(main())
