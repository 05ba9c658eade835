# Headers of each answer of an app, unless somebody says otherwise.
{
  X-Content-Type-Options = "nosniff";
  X-Frame-Options = "SAMEORIGIN";
  Referrer-Policy = "strict-origin-when-cross-origin";
}
