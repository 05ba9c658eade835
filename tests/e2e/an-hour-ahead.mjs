/** Loaded before a deployer: its clock is an hour ahead of the host's. */
const real = Date.now;
Date.now = () => real() + 3_600_000;
