"""The demo's payment provider, at /demo/betaling: no money, the contract of a real one, and pages to play its payer."""
