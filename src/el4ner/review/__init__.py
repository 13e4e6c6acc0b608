"""The review page: texts are looked at and corrected one by one, and each correction is a demonstration at once."""
