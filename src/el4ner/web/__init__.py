"""What the service and the review page share: who may come in, and how an answer says no."""
