# The name of a package as a release: another build, another name.
package: builtins.substring 0 12 (baseNameOf (builtins.unsafeDiscardStringContext package.outPath))
