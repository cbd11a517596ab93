package kafka

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
)

// decryptKey gives a PEM key as it is, or decrypts PKCS #8's "ENCRYPTED PRIVATE KEY", the form Kafka's own
// PEM keys have: PBES2 with PBKDF2 and AES-CBC (RFC 8018), what OpenSSL writes today.
func decryptKey(data []byte, password string) ([]byte, error) {
	block, _ := pem.Decode(data)
	switch {
	case block == nil:
		return nil, errors.New("it holds no PEM key")
	case block.Headers["DEK-Info"] != "":
		return nil, errors.New("it is encrypted in OpenSSL's old form, which protects nothing")
	case block.Type != "ENCRYPTED PRIVATE KEY":
		return data, nil
	case password == "":
		return nil, errors.New("it is encrypted, and ssl.key.password is not set")
	}
	key, err := decryptPKCS8(block.Bytes, password)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), nil
}

type (
	encryptedKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2Params struct {
		Derivation, Encryption pkix.AlgorithmIdentifier
	}
	pbkdf2Params struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

// Object identifiers of RFC 8018 and NIST's AES.
const (
	oidPBES2      = "1.2.840.113549.1.5.13"
	oidPBKDF2     = "1.2.840.113549.1.5.12"
	oidHMACSHA1   = "1.2.840.113549.2.7"
	oidHMACSHA256 = "1.2.840.113549.2.9"
	oidHMACSHA512 = "1.2.840.113549.2.11"
	oidAES128CBC  = "2.16.840.1.101.3.4.1.2"
	oidAES192CBC  = "2.16.840.1.101.3.4.1.22"
	oidAES256CBC  = "2.16.840.1.101.3.4.1.42"
)

// maxIterations keeps a hostile key file from holding the start for ever; OpenSSL writes 2,048.
const maxIterations = 2_000_000

func decryptPKCS8(der []byte, password string) ([]byte, error) {
	var k encryptedKey
	var p pbes2Params
	var d pbkdf2Params
	var iv []byte
	if _, err := asn1.Unmarshal(der, &k); err != nil {
		return nil, err
	}
	if k.Algorithm.Algorithm.String() != oidPBES2 {
		return nil, fmt.Errorf("it is encrypted by %s, not PBES2", k.Algorithm.Algorithm)
	}
	if _, err := asn1.Unmarshal(k.Algorithm.Parameters.FullBytes, &p); err != nil {
		return nil, err
	}
	if p.Derivation.Algorithm.String() != oidPBKDF2 {
		return nil, fmt.Errorf("its key is derived by %s, not PBKDF2", p.Derivation.Algorithm)
	}
	if _, err := asn1.Unmarshal(p.Derivation.Parameters.FullBytes, &d); err != nil {
		return nil, err
	}
	if _, err := asn1.Unmarshal(p.Encryption.Parameters.FullBytes, &iv); err != nil {
		return nil, err
	}
	size, ok := map[string]int{oidAES128CBC: 16, oidAES192CBC: 24, oidAES256CBC: 32}[p.Encryption.Algorithm.String()]
	if !ok || len(iv) != aes.BlockSize || len(k.Data) == 0 || len(k.Data)%aes.BlockSize != 0 || d.Iterations < 1 || d.Iterations > maxIterations {
		return nil, errors.New("its cipher is not AES-CBC as PKCS #8 has it")
	}
	secret, err := derive(password, d, size)
	if err != nil {
		return nil, err
	}
	return decryptCBC(secret, iv, k.Data)
}

func derive(password string, d pbkdf2Params, size int) ([]byte, error) {
	prf := map[string]func() hash.Hash{"": sha1.New, oidHMACSHA1: sha1.New, oidHMACSHA256: sha256.New, oidHMACSHA512: sha512.New}[d.PRF.Algorithm.String()]
	if prf == nil {
		return nil, fmt.Errorf("its key is derived with %s, not HMAC of SHA-1, SHA-256 or SHA-512", d.PRF.Algorithm)
	}
	return pbkdf2.Key(prf, password, d.Salt, d.Iterations, size)
}

func decryptCBC(secret, iv, data []byte) ([]byte, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, data)
	pad := int(out[len(out)-1])
	if pad < 1 || pad > aes.BlockSize || out[0] != 0x30 { // 0x30: an ASN.1 SEQUENCE, as every PKCS #8 key is
		return nil, errors.New("ssl.key.password is not its password")
	}
	return out[:len(out)-pad], nil
}
