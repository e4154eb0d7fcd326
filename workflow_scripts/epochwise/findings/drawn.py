"""The schemas of all tables that figures draw."""

from epochwise.activations.edit_tables import ANATOMY_IMAGES
from epochwise.activations.tables import SAMPLES
from epochwise.findings import summarize

SCHEMAS = summarize.SCHEMAS | {"samples": SAMPLES, "anatomy_images": ANATOMY_IMAGES}
