"""Reports: a period or one incident as a page that stands alone, to be sent, printed or kept."""
