"""The gradient audit: estimators against the exact policy gradient of models that are solved."""
