"""What Snakemake shows while it runs: a live view in a terminal, one line per job elsewhere, and a short closing.

This is a logger plugin of Snakemake, which finds it by its name. To choose it, call Snakemake with `--logger epochwise`
and with the folder `workflow_scripts` in PYTHONPATH, as `make all` does. Without the option, Snakemake shows its own
output.

Snakemake imports this file at every start, also for each job. So all else is imported only when the plugin is chosen.
"""

from logging import LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase


class LogHandler(LogHandlerBase):
    """Passes Snakemake's messages to what shows them. Snakemake creates it, and closes it at the end."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = False  # Snakemake adds its own, so that --quiet and --verbose work.
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Choose what shows the messages. A dry run shows Snakemake's own output, because no job runs."""
        from snakemake_logger_plugin_epochwise import display

        self.display = None if self.common_settings.dryrun else display.Display(colors=not self.common_settings.nocolor)
        self.own_output = display.snakemakes_own_output(self.common_settings) if self.display is None else None

    def emit(self, record: LogRecord) -> None:
        """Show one message."""
        try:
            if self.display is None:
                self.own_output.setFormatter(self.formatter)
                self.own_output.emit(record)
            else:
                self.display.show(record, self.format)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Write the closing lines. Snakemake calls this more than once, and only the first call writes."""
        display, self.display = getattr(self, "display", None), None
        if display is not None:
            display.close()
        super().close()
