"""Make the summary tables of one group from the tables of all runs of an experiment."""

from epochwise.findings.run_tables import read_tables
from epochwise.findings.summarize import SCHEMAS, summarize
from epochwise.workflow.job import job
from epochwise.workflow.tables import write

with job(snakemake) as settings:
    tables = read_tables(snakemake.input, settings["runs"])
    for name, table in summarize(settings["group"], tables, settings).items():
        write(table, SCHEMAS[name], snakemake.output[name])
