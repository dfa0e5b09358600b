import { entry } from '../entry.ts';

/** Errors of fetching the bundles of other trust domains. Each stays with its trust domain: nothing else waits for it. */
export const federationErrors = {
  FEDERATION_UNREACHABLE: entry({
    meaning: 'The server of the bundle of another trust domain cannot be reached, or does not answer in time.',
    remedy: 'Check its address and the network on the way to it; the bundle that was fetched last stays in use.',
    status: 503,
    retry: 'backoff',
    reason: 'PeerUnreachable',
  }),
  FEDERATION_SERVER_REFUSED: entry({
    meaning: 'The server of the bundle of another trust domain does not show what it is recognised by.',
    remedy: 'Check profile, endpointSPIFFEID and roots in federatesWith; if the other side lost its roots, ask it for new ones and change bootstrapBundle.',
    status: 502,
    retry: 'backoff',
    reason: 'PeerNotRecognised',
  }),
  FEDERATION_ANSWER_REFUSED: entry({
    meaning: 'The server of the bundle of another trust domain answers, but with no bundle: an error, a redirect that is not followed, another content type, too much.',
    remedy: 'Have its operator correct it, or correct the address; the bundle that was fetched last stays in use.',
    status: 502,
    retry: 'backoff',
    reason: 'AnswerRefused',
  }),
  FEDERATION_BUNDLE_REFUSED: entry({
    meaning: 'What was fetched as the bundle of another trust domain cannot be its bundle.',
    remedy: 'Have its publisher correct what the message names; the bundle that was fetched last stays in use.',
    status: 502,
    retry: 'backoff',
    reason: 'BundleRefused',
  }),
  FEDERATION_BUNDLE_UNKNOWN: entry({
    meaning: 'The API was asked for the bundle of a trust domain that is not one of this daemon.',
    remedy: 'Name a TrustDomain that is there and ready: kubectl get trustdomains.',
    status: 404,
    retry: 'never',
    reason: 'BundleUnknown',
  }),
  FEDERATION_BUNDLE_OLDER: entry({
    meaning: 'What was fetched as the bundle of another trust domain is older than what was fetched before.',
    remedy: 'Find out who serves an old copy; if the other side began anew, remove it from federatesWith and add it again, or change its bootstrapBundle.',
    status: 502,
    retry: 'backoff',
    reason: 'BundleOlder',
  }),
} as const;
