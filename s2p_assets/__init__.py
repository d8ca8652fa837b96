"""s2p, sheets to pipelines: Excel share drive in, validated tables, forecasts and reports out."""
