{conditions}
