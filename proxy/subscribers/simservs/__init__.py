"""A subscriber's own settings as simservs XML (3GPP TS 24.611), the document that phones and operators exchange."""
