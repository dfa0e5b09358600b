/** The part of `node-forge` that is used, under the path that loads nothing but it: its types know the whole only. */
declare module 'node-forge/lib/asn1.js' {
  import { asn1 } from 'node-forge';

  export = asn1;
}
