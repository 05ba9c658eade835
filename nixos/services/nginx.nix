# How nginx runs before apps, in the words of `services.nginx`.
{
  enable = true;
  # A changed configuration is loaded beside open connections.
  enableReload = true;
  recommendedGzipSettings = true;
  recommendedOptimisation = true;
  recommendedProxySettings = true;
}
