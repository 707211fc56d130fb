"""What an import of a registry costs: `python -m benchmarks.registry_import [--firms 100000] [--again] [--profile]`.

The made-up firms of benchmarks.match as a CSV file with other headers and columns in another order, into an empty
store; --again: the same file a second time, which is a look-up of every firm and no write.
"""

import argparse
import cProfile
import csv
import pstats
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.match import made_firms
from config.lexicon import load_lexicon
from config.registry_columns import FIRMS, load_columns
from config.settings import PROJECT, Settings
from core.clock import system_clock
from enterprises.entry_rows import Known
from enterprises.registry_import import ImportPlan, import_file
from store.database import Store

HEADER = ("登记状态", "品牌", "住所", "企业名称（全称）", "统一社会信用代码", "简称", "曾用名", "所属区县", "主要产品")


def written(path: Path, count: int, shared: Path) -> None:
    """The file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(HEADER)
        for number, firm in enumerate(made_firms(count, shared)):
            entry = firm.entry
            lists = (";".join(names) for names in (entry.brands, entry.short_names, entry.former_names))
            brand, short, former = lists
            address = f"{firm.place}工业大道{number % 900 + 1}号"
            rows.writerow(("存续", brand, address, entry.name, entry.uscc, short, former, firm.place, firm.trade))


def main() -> None:
    """Write the file, import it, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--firms", type=int, default=100_000)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--shared", type=Path, default=PROJECT.parent.parent / "shared" / "data")
    options = parser.parse_args()
    lexicon = load_lexicon(PROJECT / "config")
    places = {region.name: region.code for region in lexicon.regions}
    plan = ImportPlan(load_columns(PROJECT / "config")[FIRMS], Known({}, places))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "firms.csv"
        written(path, options.firms, options.shared)
        store = Store(Settings(profile="demo", data=Path(folder)).database)
        store.migrate()
        for _turn in range(2 if options.again else 1):
            profile = cProfile.Profile() if options.profile else None
            began, clock = time.process_time(), time.perf_counter()
            if profile is not None:
                report = profile.runcall(import_file, store, path, plan, clock=system_clock)
                pstats.Stats(profile).sort_stats("tottime").print_stats(30)
            else:
                report = import_file(store, path, plan, clock=system_clock)
            spent, passed = time.process_time() - began, time.perf_counter() - clock
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
            told = f"{report.new:,} new, {report.updated:,} updated, {report.unchanged:,} unchanged"
            costs = f"{spent:.1f} s of CPU, {passed:.1f} s, {spent / options.firms * 1e6:.0f} us a row, {peak:.0f} MB"
            print(f"{told}, {report.refused} refused: {costs}")
        store.close()


if __name__ == "__main__":
    main()
