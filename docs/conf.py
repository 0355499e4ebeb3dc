"""How `make docs` makes a site of these pages.

The source folder is the whole repository, so that the links between README.md, these pages and the
code are the same here as on a page that hosts the repository.
"""

from importlib.metadata import version as version_of

project = "chat-core"
author = "the chat-core authors"
project_copyright = author
release = version = version_of("chat-core")

root_doc = "docs/README"
include_patterns = [
    "*.md",
    "apps/chat_web/src/client/README.md",
    "docs/**.md",
]
# Not even looked into: they hold tens of thousands of files.
exclude_patterns = [".*", "**/.*", "**/node_modules", "build", "dist"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
    "docs.extensions.contents",
    "docs.extensions.diagrams",
    "docs.extensions.docstrings",
    "docs.extensions.generated",
    "docs.extensions.source_pages",
]

# ----------------------------------------------------------------------------------------- pages
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
highlight_language = "none"
copybutton_exclude = ".linenos, .gp, .go"
# Quotes only: of "--from" it would make a dash.
smartquotes_action = "qe"

# ------------------------------------------------------------------------------------- reference
autodoc_class_signature = "mixed"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
add_module_names = False
python_maximum_signature_line_length = 160
toc_object_entries = False

# ------------------------------------------------------------------------------------------ site
html_theme = "furo"
html_title = f"chat-core {release}"
html_static_path = ["site-assets/static"]
html_css_files = ["site.css"]
html_extra_path = ["site-assets/root"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_permalinks_icon = "#"
