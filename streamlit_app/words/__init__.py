"""Every text that a person reads on the pages, one module a page; `streamlit_app.texts` puts them together."""
