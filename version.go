package vpptoken

// product names this module and its version in the User-Agent. Each release sets it.
const product = "vpptoken/0.1.0"
